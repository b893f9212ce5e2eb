"""How each command ends, as a number for schedulers."""

from typing import Final

from components import errors
from pipeline.runners.errors import ClusterUnusable
from pipeline.settings import ConfigurationInvalid

PUBLISHED: Final = 0
UNEXPECTED: Final = 1
USAGE: Final = 2
NOTHING_TO_PUBLISH: Final = 3
DATA_GATE_STOPPED: Final = 4
DATABASE_UNREACHABLE: Final = 5
CONFIGURATION_INVALID: Final = 6
CONTRACT_BROKEN: Final = 7
PUBLICATION_REFUSED: Final = 8
STATE_DIRECTORY_BUSY: Final = 9
CHALLENGER_REFUSED: Final = 10
NOT_WELL: Final = 11
INTERRUPTED: Final = 130
"""As a shell says it: 128 and the number of the signal."""

_BY_ERROR: Final[dict[type[Exception], int]] = {
    errors.NothingToPublish: NOTHING_TO_PUBLISH,
    errors.DataGateStopped: DATA_GATE_STOPPED,
    errors.DatabaseUnreachable: DATABASE_UNREACHABLE,
    errors.BrokerUnreachable: DATABASE_UNREACHABLE,
    ConfigurationInvalid: CONFIGURATION_INVALID,
    errors.AddressInvalid: CONFIGURATION_INVALID,
    errors.OtherDatabase: CONFIGURATION_INVALID,
    errors.StateUnusable: CONFIGURATION_INVALID,
    errors.RegistryInconsistent: CONFIGURATION_INVALID,
    errors.ContractBroken: CONTRACT_BROKEN,
    errors.PublicationRefused: PUBLICATION_REFUSED,
    errors.StateDirectoryBusy: STATE_DIRECTORY_BUSY,
    ClusterUnusable: NOT_WELL,
    errors.UnknownModel: USAGE,
    errors.UnknownAccount: USAGE,
    errors.TransitionRefused: USAGE,
    errors.ReportNotFound: USAGE,
}

MEANINGS: Final = {
    PUBLISHED: "published, or the command did what it says",
    UNEXPECTED: "an error nobody expected; the log file holds the traceback",
    USAGE: "the command line is wrong, or asks for what cannot be done",
    NOTHING_TO_PUBLISH: "not blessed, and no champion to score with",
    DATA_GATE_STOPPED: "the data gate stopped the run",
    DATABASE_UNREACHABLE: (
        "the database, or the stream's Kafka, cannot be reached, or its server cannot do the work"
    ),
    CONFIGURATION_INVALID: (
        "a setting is wrong, or the address of a database in itself; or a kept file is gone, "
        "damaged or cannot be written"
    ),
    CONTRACT_BROKEN: (
        "a table, column, type or privilege is missing, or what the database makes of them fails"
    ),
    PUBLICATION_REFUSED: (
        "the rows failed a check or would change too much; the table is as it was"
    ),
    STATE_DIRECTORY_BUSY: (
        "another run, or what locks its store, is at work on the state directory; this one did "
        "nothing"
    ),
    CHALLENGER_REFUSED: (
        "with --strict: published with the champion, the challenger was not blessed"
    ),
    NOT_WELL: (
        "`status --check`: the scores are too old, the last run did not end well, or a table is "
        "not as published; `alerts`, `metrics --send`: a sink did not take what it was sent; "
        "`cluster`: a part of a cluster cannot be started, reached or used"
    ),
}


def exit_code(error: BaseException) -> int:
    """Returns the exit code of an error; UNEXPECTED for any that is not ours."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else UNEXPECTED
    for kind, code in _BY_ERROR.items():
        if isinstance(error, kind):
            return code
    return UNEXPECTED
