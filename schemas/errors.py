"""Errors a user can meet, each with the exit code of the command line.

ShadowtapError
├── UsageError            exit 2: configuration, arguments, an input file
│   ├── ConfigError       a key of shadowtap.toml
│   └── TrialLineError    a line of a trial file
├── UnreachableError      exit 4: broker, ClickHouse, provider, Slack
│   └── RefusedError      it answers and refuses who we say we are: waiting does not mend it
└── RecordVersionError    exit 2: a record of a newer major version than this program knows

A message names the thing (key, file and line, topic and offset) and says what to do next.
"""

from typing import ClassVar


class ShadowtapError(Exception):
    """Base of all errors that are told to a user in one line, without a traceback."""

    exit_code: ClassVar[int] = 2


class UsageError(ShadowtapError):
    """Something the user wrote is wrong."""


class ConfigError(UsageError):
    """A key of `shadowtap.toml` is missing, unknown or has a value that cannot be."""


class TrialLineError(UsageError):
    """A line of a trial file cannot be read; the message names file and line."""


class UnreachableError(ShadowtapError):
    """A needed part (broker, ClickHouse, provider) does not answer."""

    exit_code: ClassVar[int] = 4


class RefusedError(UnreachableError):
    """A needed part answers, and refuses our certificate, user or password: somebody has to mend the settings."""


class RecordVersionError(ShadowtapError):
    """A record was written by a newer major version; the worker must be upgraded before it goes on."""
