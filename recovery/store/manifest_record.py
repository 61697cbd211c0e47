"""Manifests: how a folder of results was made, with what, and from which file."""

from typing import Self

from pydantic import Field, JsonValue, model_validator

from recovery.store.record import Record

FORMAT = 3  # of manifest and summary; a new number where a reader of the old would be misled


class Head(Record):
    """What an experiment says of itself beside its scenario."""

    title: str = ""
    question: str = ""
    answer: str = ""
    label: str = ""
    clock: str = ""  # ISO time of the start, for labels; "" where there is none
    seed: int = 1
    replications: int = 1
    expect: dict[str, str] = Field(default_factory=dict)
    services: str = ""


class OwnPolicy(Record):
    """A policy of the user's own that some scenario chose: its file as it was named, and the digest of its text."""

    name: str
    axis: str
    file: str
    digest: str

    @property
    def words(self) -> str:
        """Which it is, and where it came from."""
        return f"{self.name} ({self.axis}), the user's own: {self.file}, digest {self.digest}"


class Manifest(Record):
    """What every folder says of how it was made."""

    format: int
    kind: str
    name: str
    file: str
    head: Head
    inputs: dict[str, JsonValue]  # the file's own table, to be shown and never to be computed from
    digest: str
    versions: dict[str, str]
    machine: str
    argv: tuple[str, ...]
    written: str
    own_policies: tuple[OwnPolicy, ...] = Field((), exclude_if=lambda value: not value)

    @property
    def title(self) -> str:
        """What its page and its text are headed with."""
        return self.head.title or self.name

    @property
    def own_files(self) -> tuple[str, ...]:
        """The files of the user's own policies, each once."""
        return tuple(dict.fromkeys(own.file for own in self.own_policies))

    @model_validator(mode="after")
    def _has_format(self) -> Self:
        if self.format != FORMAT:
            raise ValueError(f"has format {self.format}; want {FORMAT}")
        return self
