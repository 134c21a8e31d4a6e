"""Every error that is ours, and the exit code of each.

What a submission does is data (`grader.models.outcome`); an exception of this module
always means our host, our configuration, our input or our bug.
"""

from __future__ import annotations

from typing import ClassVar, Final


class GraderError(Exception):
    """Root of all errors a user can meet.

    Attributes:
        message: what happened, in one sentence.
        hint: what to do about it; may be empty.
    """

    exit_code: ClassVar[int] = 70
    code: ClassVar[str] = "bug"
    meaning: ClassVar[str] = "a bug of the grader: anything not listed here"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SubmissionRejectedError(GraderError):
    """The submission cannot be taken in: missing, unsafe, too large or no package."""

    exit_code = 1
    code = "submission"
    meaning = "graded below `--fail-under`, or the submission was rejected at intake"


class UsageError(GraderError):
    """The command line asks for something that does not exist."""

    exit_code = 2
    code = "usage"
    meaning = "the command line was used wrongly"


class ConfigError(GraderError):
    """A configuration file, a suite or an environment variable is wrong."""

    exit_code = 3
    code = "config"
    meaning = "a configuration file, suite, data set or environment variable is wrong"


class SandboxUnavailableError(GraderError):
    """No wall can be built here; never replaced by running without one."""

    exit_code = 4
    code = "sandbox"
    meaning = "no sandbox can start; grading never goes on without one unasked"


class InconclusiveError(GraderError):
    """At least one check could not be judged, for a reason on our side."""

    exit_code = 5
    code = "inconclusive"
    meaning = "at least one check could not be judged; grade again"


class StoreError(GraderError):
    """The result store is unreadable, locked or of a newer schema."""

    exit_code = 6
    code = "store"
    meaning = "the result store is unreadable, locked or of a newer schema"


class UnprovenError(GraderError):
    """The hidden suites miss what they must catch, or fail on what is right."""

    exit_code = 7
    code = "unproven"
    meaning = "`grader validate`: the hidden suites are not proven to judge rightly"


class LeakError(GraderError):
    """What was to be published holds a string that must not be public."""

    exit_code = 8
    code = "leak"
    meaning = "`grader publish`: a page would tell what must not be public"


class DestinationError(GraderError):
    """The place to publish to refuses, cannot be reached, or holds something else."""

    exit_code = 9
    code = "destination"
    meaning = "`grader publish`: the destination refuses or cannot be reached"


class OutdatedError(GraderError):
    """What is published is not what the store says now."""

    exit_code = 10
    code = "outdated"
    meaning = "`grader publish --check`: the site is not what the store says now"


OK: Final = 0
INTERRUPTED: Final = 130

EXIT_CODES: Final[dict[int, str]] = {
    OK: "graded, whatever the score",
    **{
        kind.exit_code: kind.meaning
        for kind in (
            SubmissionRejectedError,
            UsageError,
            ConfigError,
            SandboxUnavailableError,
            InconclusiveError,
            StoreError,
            UnprovenError,
            LeakError,
            DestinationError,
            OutdatedError,
            GraderError,
        )
    },
    INTERRUPTED: "interrupted; sandboxes are removed, finished results are kept",
}
