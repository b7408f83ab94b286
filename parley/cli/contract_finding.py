"""What came of looking at a server: one thing after another, and a report of them that people can read."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from parley.cli.outcomes import Code, Refused, Surroundings

_WIDTH = 72


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what is wrong with it, if anything is.

    `seen` is what was seen of what is right. `left_out` is why it was not looked at; then it is neither.
    """

    subject: str
    problem: str | None = None
    seen: str | None = None
    left_out: str | None = None

    def lines(self) -> Iterator[str]:
        """Yield it for the report."""
        mark = "--  " if self.left_out else "ok  " if self.problem is None else "FAIL"
        remark = self.left_out or (self.seen if self.problem is None else None)
        yield f"  {mark}  {self.subject}{f' ({remark})' if remark else ''}"
        if self.problem is not None:
            yield from (f"          {line}" for line in self.problem.splitlines())


@dataclass
class Report:
    """What was found, by section, to be read by people."""

    title: str
    sections: dict[str, list[Finding]] = field(default_factory=dict)
    is_cut_off: bool = False

    @property
    def is_kept(self) -> bool:
        """Say whether nothing was wrong."""
        return not self.problems

    @property
    def exit_code(self) -> int:
        """Return what the command ends with: what could not be looked at is no breach."""
        return Code.SURROUNDINGS if self.is_cut_off else Code.DONE if self.is_kept else Code.REFUSED

    @property
    def problems(self) -> list[Finding]:
        """Return what was wrong."""
        return [each for each in self._looked_at if each.problem is not None]

    @property
    def _looked_at(self) -> list[Finding]:
        return [each for section in self.sections.values() for each in section if not each.left_out]

    def add(self, name: str, look: Callable[[], Iterable[Finding]]) -> bool:
        """Look at one part, and return whether that could be done; what was found before is kept in any case."""
        found = self.sections.setdefault(name, [])
        try:
            for each in look():
                found.append(each)
        except Refused as error:
            self.is_cut_off = self.is_cut_off or isinstance(error, Surroundings)
            found.append(Finding("this part could not be looked at to its end", str(error)))
            return False
        except Exception as error:  # A server may answer anything; the rest of the report is worth having.
            found.append(Finding("this part could not be looked at to its end", unforeseen(error)))
            return False
        return True

    def text(self) -> str:
        """Return it as text, a line for each thing that was looked at."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield self.title
        for name, findings in self.sections.items():
            if findings:
                yield f"\n{name}"
            for each in findings:
                yield from each.lines()
        yield "\n" + "-" * _WIDTH
        looked_at = len(self._looked_at)
        if self.is_cut_off:
            yield (
                "Not everything could be looked at, so nobody can say that the contract is kept: "
                f"{len(self.problems)} of {looked_at} lines say why."
            )
        elif self.is_kept:
            yield f"The contract is kept: {looked_at} things were looked at."
        else:
            yield f"The contract is NOT kept: {len(self.problems)} of {looked_at} things are not as it says."


def unforeseen(error: Exception) -> str:
    """Make a sentence of what an answer led to that nobody thought of."""
    return f"what the server answers cannot be worked with: {type(error).__name__}: {error}"


def shortened(value: object, length: int = 200) -> str:
    """Write a value on one line that can be read."""
    text = " ".join(str(value).split())
    return text if len(text) <= length else f"{text[:length]}… ({len(text)} characters)"
