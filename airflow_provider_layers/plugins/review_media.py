"""What a review shows beside its text: a card and pictures, always of the version that it asks about now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_layers.plugins.loader import REVIEW, Loader, Resource
from airflow_provider_layers.plugins.serializers import CHANGED, LOADED
from airflow_provider_layers.review.card import error_card, render_card

if TYPE_CHECKING:
    from airflow_provider_layers.plugins.queries import ReviewReference
    from airflow_provider_layers.review.preview import ContentPreview

BLANK = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
"""Shown for a picture that the version does not have: the text of a review links more than it may need."""

NO_QUESTION = "This task has not asked for a review yet."
UNREADABLE = "The content cannot be read now. Reload this page before you answer."
CONTENT_CHANGED = (
    "The content has changed since this question was asked. Whatever you answer, the task asks again about "
    "the new content."
)


@dataclass(frozen=True)
class ReviewMedia:
    """
    The previews of what a review asks about.

    :param previews: empty if there is an error
    :param error: why they cannot be shown
    :param version: the number of what they show
    :param notice: why the last answer was not carried out
    """

    previews: tuple[ContentPreview, ...] = ()
    error: str | None = None
    version: int = 0
    notice: str | None = None

    @property
    def pictures(self) -> list[str]:
        """URLs of all pictures, in order."""
        return [url for preview in self.previews for url in preview.pictures]

    def url(self, part: str) -> str | None:
        """
        Return the URL of a part; ``None`` if there is no such part.

        :param part: the number of a picture, or ``media`` for the first video, or else the first picture
        """
        if part == "media":
            videos = [preview.video for preview in self.previews if preview.video]
            return next(iter([*videos, *self.pictures]), None)
        return dict(enumerate(self.pictures, start=1)).get(int(part))

    def card(self, *, body_version: int) -> str:
        """
        Return the card as SVG.

        :param body_version: the version whose captions are in the text of the question
        """
        if self.error:
            return error_card(self.error)
        return render_card(self.previews, version=self.version, body_version=body_version, notice=self.notice)


def load_review(reference: ReviewReference | None, loader: Loader) -> ReviewMedia:
    """
    Read what a review asks about.

    :param reference: of the task instance; ``None`` if it asks nothing
    """
    if reference is None:
        return ReviewMedia(error=NO_QUESTION)
    resources = [
        Resource(reference.conn_id, REVIEW, container_id, fingerprint)
        for container_id, fingerprint in reference.shown.items()
    ]
    loaded = loader.load(resources)
    results = [loaded[resource] for resource in resources]
    unread = [result for result in results if result.state not in (LOADED, CHANGED)]
    if unread:
        reason = next((result.error for result in unread if result.error), "")
        return ReviewMedia(error=f"{reason} {UNREADABLE}".lstrip())
    if any(result.state == CHANGED for result in results):
        return ReviewMedia(error=CONTENT_CHANGED)
    previews = tuple(result.data["preview"] for result in results if result.data)
    return ReviewMedia(previews, version=reference.version, notice=reference.notice)
