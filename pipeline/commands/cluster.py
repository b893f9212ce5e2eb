"""`tens-insight cluster`: an engine of Beam, started here or looked at wherever it is."""

from pathlib import Path

import click

from pipeline.commands.parts import Group, examples
from pipeline.text.terminal import say, say_json


@click.group(
    name="cluster",
    cls=Group,
    epilog=examples(
        "tens-insight cluster start --engine portable",
        "tens-insight cluster doctor",
        "tens-insight cluster stop",
    ),
)
def command() -> None:
    """A cluster that computes what one machine cannot (docs/cluster.md)."""


@command.command(
    "start",
    epilog=examples(
        "tens-insight cluster start --flink ~/.cache/tens-insight/flink-1.18.1",
        "tens-insight cluster start --engine portable --workers 2",
    ),
)
@click.option(
    "--engine",
    type=click.Choice(["flink", "spark", "portable"]),
    default="flink",
    show_default=True,
    help="Flink; a pool for Spark, which Beam's job server brings with it; or Beam's job service "
    "in Python, which needs no Java.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="TaskManagers of Flink, tasks of Spark, or worker processes.",
)
@click.option(
    "--slots",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Tasks that a TaskManager works on at once.",
)
@click.option(
    "--flink", "flink_home", envvar="FLINK_HOME", default="", help="Folder of an unpacked Flink."
)
@click.option(
    "--hosts",
    is_flag=True,
    help="Each TaskManager in a network namespace of its own, with a pool beside it: as on hosts. "
    "As root alone.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the settings as one line of JSON.")
def start(
    engine: str, workers: int, slots: int, flink_home: str, hosts: bool, as_json: bool
) -> int:
    """Starts a cluster on this machine, and prints the settings that name it.

    It listens on the loopback interface alone, or on the addresses of its hosts, and goes on until
    `tens-insight cluster stop`. Its logs are in the folder cluster of the state directory.
    """
    from typing import cast

    from pipeline.runners.local_cluster import FOLDER, Engine, Wanted, start_cluster
    from pipeline.settings import load_settings, variable

    if hosts and engine != "flink":
        raise click.UsageError("--hosts is for --engine flink: the others are one process.")
    settings = load_settings()
    wanted = Wanted(
        engine=cast(Engine, engine),
        workers=workers,
        slots=slots,
        flink_home=flink_home,
        worker_memory_mb=settings.beam.beam_worker_memory_mb,
        hosts=hosts,
    )
    named = start_cluster(settings.state_dir / FOLDER, wanted)
    if as_json:
        say_json({"settings": named, "folder": str(settings.state_dir / FOLDER)})
        return 0
    say(f"A cluster runs on this machine ({settings.state_dir / FOLDER}). Settings that name it:")
    for name, value in named.items():
        say(f"export {variable(name)}={value}")
    return 0


@command.command("stop", epilog=examples("tens-insight cluster stop"))
def stop() -> int:
    """Ends the cluster that `tens-insight cluster start` started with this state directory."""
    from pipeline.runners.local_cluster import FOLDER, stop_cluster
    from pipeline.settings import load_settings

    folder = load_settings().state_dir / FOLDER
    stopped = stop_cluster(folder)
    say(f"Ended: {', '.join(stopped)}." if stopped else f"No cluster runs ({folder}).")
    return 0


@command.command(
    "doctor",
    epilog=examples(
        "tens-insight cluster doctor",
        "tens-insight cluster doctor --artifacts gs://bucket/tens-insight",
    ),
)
@click.option(
    "--artifacts",
    default="",
    help="Folder or bucket of the artifacts, gs://BUCKET/FOLDER; by default that of runs on this "
    "machine, and on Dataflow KUBEFLOW_PIPELINE_ROOT.",
)
@click.option(
    "--patience",
    type=click.FloatRange(1, 3600),
    default=180,
    show_default=True,
    help="Seconds that the job of the check may take.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one line of JSON.")
def doctor(artifacts: str, patience: float, as_json: bool) -> int:
    """Checks the engine that the settings name, and says what to mend.

    Java, the job server, Flink and its slots, the workers; then it runs a small job, whose workers
    say which Python, Beam and code they have, and whether they read and write the folder or the
    bucket of the artifacts.
    Ends with 11 where something has to be mended.
    """
    from pipeline.exit_codes import NOT_WELL
    from pipeline.logs import silence_libraries
    from pipeline.runners.doctor import examine
    from pipeline.settings import load_settings

    settings = load_settings()
    silence_libraries()
    checks = examine(settings, patience, artifacts)
    failed = any(one.state == "failed" for one in checks)
    if as_json:
        say_json({"well": not failed, "checks": [one.as_json() for one in checks]})
        return NOT_WELL if failed else 0
    width = max(len(one.name) for one in checks)
    for one in checks:
        say(f"{one.state:<11}  {one.name:<{width}}  {one.found}")
        if one.mend:
            say(f"{'':<11}  {'':<{width}}  {one.mend}")
    return NOT_WELL if failed else 0


@command.command(
    "pool",
    epilog=examples(
        "tens-insight cluster pool",
        "tens-insight cluster pool --listen 127.0.0.1:50000 --memory-mb 3000",
    ),
)
@click.option(
    "--listen",
    default="127.0.0.1:50000",
    show_default=True,
    help="HOST:PORT to listen on. There is no authentication: the engine's part on the same host "
    "is all that should reach it.",
)
@click.option(
    "--memory-mb",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="MiB that each worker may take for its data; 0 for no bound.",
)
@click.option(
    "--worker-log",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File that gets what workers print; by default it is printed with the pool's messages.",
)
def pool(listen: str, memory_mb: int, worker_log: Path | None) -> int:
    """Starts workers for an engine that asks for them, until it is told to end.

    For each host of a cluster, beside its TaskManager, with beam_environment external.
    """
    from pipeline.runners.pool import POOL_LISTENS, serve_pool

    server, workers, port = serve_pool(listen, memory_mb, worker_log)
    say(f"{POOL_LISTENS} on port {port} of {listen.rpartition(':')[0]}.", err=True)
    _until_told()
    workers.stop()
    server.stop(0)
    return 0


@command.command("jobs", epilog=examples("tens-insight cluster jobs --port 50001"))
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    help="Port of the loopback interface; 0 takes a free one.",
)
def jobs(port: int) -> int:
    """Serves Beam's job service in Python, until it is told to end: an engine without Java.

    It is for one machine, to try what workers in other processes need.
    """
    import logging

    from pipeline.runners.job_service import serve_jobs

    logging.basicConfig(level=logging.INFO)  # what workers log comes here
    service, found = serve_jobs(port)
    say(f"A job service listens on port {found} of localhost.", err=True)
    _until_told()
    service.stop()
    return 0


def _until_told() -> None:
    """Waits for SIGTERM or SIGINT."""
    import signal
    import threading

    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    told.wait()
