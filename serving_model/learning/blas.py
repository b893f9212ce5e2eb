"""BLAS in one thread."""

from threadpoolctl import OpenBLASController, threadpool_limits


def keep_blas_to_one_thread() -> None:
    """Lets BLAS use one thread in this process, whichever thread calls, until somebody changes it.

    Further threads wait for each other in a loop, and sums depend on how many there are. A limit
    for the time of a block would not hold: threadpoolctl 3.8 obeys only the thread that was first
    to set a limit and still lives, and before, the first block that ends ends it for all.
    """
    forget = getattr(OpenBLASController, "clear_controlling_thread", None)
    if forget is not None:
        forget(force=True)
    threadpool_limits(limits=1, user_api="blas")
    if forget is not None:
        forget()
