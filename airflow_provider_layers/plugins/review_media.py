"""What a review shows beside its words: a card and pictures that are always of what is asked about now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.api.card import apology, card
from airflow_provider_layers.plugins.loader import TAKE, Reader, Wanted

if TYPE_CHECKING:
    from airflow_provider_layers.api.exhibit import Exhibit

BLANK = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
CHANGED = "The content has changed since it was asked about. Any answer leads to another question about it."
UNREAD = "The content cannot be read just now. Look again before you answer."
NOTHING = "Nothing is asked here yet."


@dataclass(frozen=True)
class Question:
    """
    What a task instance asks about, as it has told Airflow.

    :param conn_id: the connection through which it can be read
    :param take: its number
    :param shown: fingerprint of what was shown, by container id
    :param notice: what went wrong with the last answer
    """

    conn_id: str
    take: int
    shown: Mapping[str, str]
    notice: str | None = None


def read_question(conn_id: str, review: Any) -> Question | None:
    """
    Read what a task instance asks about. Any task can push anything, so that nothing is taken for sure.

    :param conn_id: of the same task instance
    :param review: the XCom
    """
    if not isinstance(review, dict) or not isinstance(review.get("take"), int):
        return None
    shown, notice = review.get("shown"), review.get("notice")
    if not isinstance(shown, dict) or not all(isinstance(one, str) for one in (*shown, *shown.values())):
        return None
    return Question(conn_id, review["take"], shown, notice if isinstance(notice, str) else None)


@dataclass(frozen=True)
class Sight:
    """
    What there is to see of a question.

    :param exhibits: what is asked about; empty where it cannot be shown
    :param trouble: why it cannot
    """

    exhibits: tuple[Exhibit, ...] = ()
    trouble: str | None = None

    @property
    def pictures(self) -> list[str]:
        """Addresses of all pictures."""
        return [url for one in self.exhibits for url in one.pictures]

    def part(self, name: str) -> str | None:
        """
        Give the address of a part.

        :param name: ``media`` for the first film, or else the first picture; or the number of a picture
        """
        if name == "media":
            return next(iter([*(one.video for one in self.exhibits if one.video), *self.pictures]), None)
        return dict(enumerate(self.pictures, start=1)).get(int(name))


def look(question: Question | None, reader: Reader) -> Sight:
    """
    Read what is asked about.

    :param question: of the task instance
    :param reader: of the page
    """
    if question is None:
        return Sight(trouble=NOTHING)
    wanted = [Wanted(question.conn_id, TAKE, f"{mark}/{name}") for name, mark in question.shown.items()]
    found = reader.read(wanted)
    shown = [found[one].shown for one in wanted]
    if not all(shown):
        why = next((found[one].error for one in wanted if found[one].error), None)
        return Sight(trouble=f"{why} {UNREAD}" if why else UNREAD)
    if not all(one and one["fits"] for one in shown):
        return Sight(trouble=CHANGED)
    return Sight(tuple(one["exhibit"] for one in shown if one))


def draw(question: Question | None, sight: Sight, *, words: int) -> str:
    """
    Draw the card.

    :param question: of the task instance
    :param sight: what there is to see of it
    :param words: number of the take that the words of the question are about
    """
    if question is None or sight.trouble:
        return apology(sight.trouble or "")
    return card(sight.exhibits, take=question.take, words=words, notice=question.notice)
