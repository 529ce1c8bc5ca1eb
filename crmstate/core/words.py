"""The closed vocabularies: every word that a plan, a state or a provider's table may use."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Kind(StrEnum):
    """What a thing is: the vendor's kinds first, then ours."""

    TENANT = "tenant"
    SUBSCRIPTION = "subscription"
    ACCOUNT = "account"
    MODULE = "module"
    SETTING = "setting"
    USER = "user"
    SESSION = "session"
    API_KEY = "api_key"
    INTEGRATION = "integration"
    DATASET = "dataset"
    BIN = "bin"
    ARCHIVE = "archive"
    FREEZE = "freeze"
    NOTICE = "notice"
    HUMAN_STEP = "human_step"
    CERTIFICATE = "certificate"
    SETTLEMENT = "settlement"
    MIGRATION = "migration"
    EVALUATION = "evaluation"


class Verb(StrEnum):
    """What is done: reading, acting at the vendor, and our own acts."""

    WHOAMI = "whoami"
    LIST = "list"
    COUNT = "count"
    READ = "read"
    EXPORT = "export"
    PROBE = "probe"

    DEACTIVATE = "deactivate"
    DELETE = "delete"
    REVOKE = "revoke"
    SIGN_OUT = "sign_out"
    DISABLE = "disable"
    RENEW_OFF = "renew_off"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    DOWNGRADE = "downgrade"
    RESET = "reset"
    PURGE = "purge"
    EMPTY = "empty"
    CLOSE = "close"

    ARCHIVE = "archive"
    VERIFY = "verify"
    RESTORE_TEST = "restore_test"
    DELTA = "delta"
    NOTIFY = "notify"
    REQUEST = "request"
    CONFIRM = "confirm"
    SETTLE = "settle"
    EVALUATE = "evaluate"
    DISCARD = "discard"


class Against(StrEnum):
    """What a vendor's capabilities were checked against: a real system, the vendor's published description of its API, or no
    more than its documentation."""

    SYSTEM = "system"
    DESCRIPTION = "description"
    DOCUMENTATION = "documentation"


READING = frozenset({Verb.WHOAMI, Verb.LIST, Verb.COUNT, Verb.READ, Verb.EXPORT, Verb.PROBE})
OURS = frozenset(
    {
        Verb.ARCHIVE,
        Verb.VERIFY,
        Verb.RESTORE_TEST,
        Verb.DELTA,
        Verb.NOTIFY,
        Verb.REQUEST,
        Verb.CONFIRM,
        Verb.SETTLE,
        Verb.EVALUATE,
        Verb.DISCARD,
    }
)


class Phase(StrEnum):
    """How far a thing's ending has come, as somebody saw it. Unknown is never absent."""

    PRESENT = "present"
    INACTIVE = "inactive"
    PENDING = "pending"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Undo(StrEnum):
    """Whether an act can be taken back: freely, within a window, or never."""

    FREE = "free"
    WINDOW = "window"
    NEVER = "never"


class Proof(StrEnum):
    """How we know, strongest first."""

    OBSERVED = "observed"
    CERTIFIED = "certified"
    ACKNOWLEDGED = "acknowledged"
    ATTESTED = "attested"
    WAIVED = "waived"
    NONE = "none"


PROOFS = tuple(Proof)


class Channel(StrEnum):
    """By which way the vendor was spoken to."""

    MAIL = "mail"
    PHONE = "phone"
    PORTAL = "portal"
    CHAT = "chat"
    LETTER = "letter"
    MEETING = "meeting"
    OTHER = "other"


class Contacting(StrEnum):
    """What a contact with the vendor was."""

    QUESTION = "question"
    OFFER = "offer"
    REQUEST = "request"
    ACKNOWLEDGEMENT = "acknowledgement"
    COMPLAINT = "complaint"


class Nudging(StrEnum):
    """Why somebody is told that a step waits: it is due soon, or overdue and another must know."""

    REMINDER = "reminder"
    ESCALATION = "escalation"


def weakest(proofs: list[Proof]) -> Proof:
    """The proof that a summary of these may claim: never more than its weakest link."""
    return max(proofs, key=PROOFS.index, default=Proof.NONE)


class Packing(StrEnum):
    """What a file of an export job's result is: rows as CSV (RFC 4180, a line of column names first), such a CSV alone in a
    zip, rows as JSON a line, the same in gzip; or a zip of whatever the vendor puts there."""

    CSV = "csv"
    CSV_IN_ZIP = "csv_in_zip"
    JSONL = "jsonl"
    JSONL_GZ = "jsonl_gz"
    ZIP = "zip"


class JobStatus(StrEnum):
    """Where a job stands at the vendor. Gone: it, or its result, is not kept any more."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"


class Mode(StrEnum):
    """Who takes a step: the tool, a person, or time."""

    AUTO = "auto"
    MANUAL = "manual"
    WAIT = "wait"


class How(StrEnum):
    """How a capability is had: by the vendor's API, by a person with a runbook, or not at all."""

    API = "api"
    MANUAL = "manual"
    NONE = "none"


class Outcome(StrEnum):
    """Where one step stands in the record."""

    INTENDED = "intended"
    DONE = "done"
    REQUESTED = "requested"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Fate(StrEnum):
    """What became of one message. Delivered: the server or the chat took it, which is all that anybody can know; rejected:
    for good; deferred: it was not taken, and may be sent again; unknown: sent, and the answer was lost; sending: about to
    be sent; bounced: it was taken, and came back later."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    UNKNOWN = "unknown"
    SENDING = "sending"
    BOUNCED = "bounced"


class Milestone(StrEnum):
    """The points that dates and orders of a manifest may refer to."""

    NOTICE_DEADLINE = "notice_deadline"
    FREEZE = "freeze"
    ARCHIVE_VERIFIED = "archive_verified"
    CANCEL_EFFECTIVE = "cancel_effective"
    ACCESS_ENDS = "access_ends"
    PURGED = "purged"
    CLOSED = "closed"


class Severity(StrEnum):
    """How much a diagnostic weighs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Exit(IntEnum):
    """Exit codes, frozen: scripts are written against them."""

    OK = 0
    ERROR = 1
    CHANGES = 2
    REFUSED = 3
    LOCKED = 4
    STALE = 5
    PARTIAL = 6
    CREDENTIALS = 7
    INTERRUPTED = 8
    WAITING = 9
    USAGE = 64
    INVALID = 65
    BUG = 70


EXIT_ORDER = (
    Exit.BUG,
    Exit.INVALID,
    Exit.USAGE,
    Exit.LOCKED,
    Exit.STALE,
    Exit.REFUSED,
    Exit.CREDENTIALS,
    Exit.INTERRUPTED,
    Exit.PARTIAL,
    Exit.ERROR,
    Exit.WAITING,
    Exit.CHANGES,
    Exit.OK,
)


def worst(exits: list[Exit]) -> Exit:
    """The one exit code to answer with where several apply."""
    return min(exits, key=EXIT_ORDER.index, default=Exit.OK)
