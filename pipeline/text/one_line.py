"""Keeps what the database holds on its line."""


def one_line(name: str) -> str:
    """Returns a name as the database holds it, but for control characters, which are escaped.

    A tab, a newline or an escape sequence in an account's id would break the table, or
    steer the terminal.
    """
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in name)
