"""When a section of the report cannot be made."""


class SectionMissing(Exception):
    """What a section needs is not there; the message says what, for people."""
