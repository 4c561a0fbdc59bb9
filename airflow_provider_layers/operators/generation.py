"""Operators that start a job which makes content. Import them from ``operators.content``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_layers.exceptions import LayersParameterError
from airflow_provider_layers.operators.job_start import LayersJobOperator

if TYPE_CHECKING:
    from airflow_provider_layers.api.endpoint import Endpoint
    from airflow_provider_layers.api.keys import Origin
    from airflow_provider_layers.api.submission import Submission


class LayersGenerateContentOperator(LayersJobOperator):
    """
    Generate content in a project.

    The request has one of three forms. With ``brief`` it is that of ``reference/content/generate-content``,
    with ``hook`` that of ``concepts/content-items``; both go to one route. On a connection with
    ``content_routes=per-format`` it goes to the newest revision's route of the format
    (``reference/content/slideshow-builder`` and its siblings). A parameter that does not belong to the form
    is refused before anything is sent. Keys of structured parameters may be snake_case or camelCase.

    :param project_id: the project (templated)
    :param format: ``auto`` (the API's default), ``video_remix``, ``slideshow_remix`` or ``ugc_remix`` with a
        brief; in the other two forms required, and one of ``slideshow-builder``, ``ugc-remix``,
        ``video-remix``, ``slideshow-remix`` (templated)
    :param variant_count: containers to make, 1 to 5, default 1; not on per-format routes (templated)
    :param brief: ``topic``, ``angle``, ``cta``, ``value_propositions`` (at most 20), ``hook``,
        ``target_platforms``, ``influencer_id``, ``theme_tags``, ``reference_media_ids``, ``language``
        (BCP 47) (templated)
    :param hook: the opening line, 1 to 2000 characters (templated)
    :param references: ``source_post_ids`` and ``asset_ids`` with a brief, ``media_ids`` with a hook, at most
        20 each (templated)
    :param target_platforms: of ``tiktok``, ``instagram``, ``youtube``; goes before the brief's (templated)
    :param project_layer_id: content layer, for projects that have several (templated)
    :param social_account_id: account to make it for, on per-format routes (templated)
    :param influencer_id: influencer to make it with, on per-format routes (templated)
    :param media_id: the clip to remix, ``ugc-remix`` on per-format routes (templated)
    :param tiktok_video_id: the source, ``video-remix`` and ``slideshow-remix`` on per-format routes
        (templated)
    :param budget: ``{"max_credits": 100}``, the most that the request may cost (templated)
    :param metadata: your own data, stored with the content as it is (templated)
    :param kwargs: see :class:`~airflow_provider_layers.operators.job_start.LayersJobOperator`
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    """

    project_id: str
    parameters = (
        "format",
        "variant_count",
        "brief",
        "hook",
        "references",
        "target_platforms",
        "project_layer_id",
        "social_account_id",
        "influencer_id",
        "media_id",
        "tiktok_video_id",
        "budget",
        "metadata",
    )
    template_fields: Sequence[str] = (*LayersJobOperator.template_fields, "project_id", *parameters)
    template_fields_renderers = {"brief": "json", "references": "json", "metadata": "json"}  # noqa: RUF012

    def __init__(
        self,
        *,
        project_id: str,
        format: str | None = None,  # noqa: A002 - the API's own word
        variant_count: int | None = None,
        brief: dict[str, Any] | None = None,
        hook: str | None = None,
        references: dict[str, Any] | None = None,
        target_platforms: list[str] | None = None,
        project_layer_id: str | None = None,
        social_account_id: str | None = None,
        influencer_id: str | None = None,
        media_id: str | None = None,
        tiktok_video_id: str | None = None,
        budget: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.project_id = project_id
        self.format = format
        self.variant_count = variant_count
        self.brief = brief
        self.hook = hook
        self.references = references
        self.target_platforms = target_platforms
        self.project_layer_id = project_layer_id
        self.social_account_id = social_account_id
        self.influencer_id = influencer_id
        self.media_id = media_id
        self.tiktok_video_id = tiktok_video_id
        self.budget = budget
        self.metadata = metadata

    def request(self, source: Origin, turn: int) -> Endpoint[Submission]:
        """Make the request; see :func:`airflow_provider_layers.api.generation.generate`."""
        from airflow_provider_layers.api.generation import generate

        return generate(
            self.project_id,
            {name: getattr(self, name) for name in self.parameters},
            content_routes=self.layers_hook.settings.content_routes,
            idempotency_key=source.key("generate", turn),
        )


class LayersCloneFromPostOperator(LayersJobOperator):
    """
    Make new content after the pattern of a post that did well (``reference/content/clone-from-post``).

    :param project_id: the project that the new content belongs to (templated)
    :param source_platform_post_id: a post that Layers tracks, by its own id or the platform's (templated)
    :param mode: ``fork`` stays close to the source, ``reimagine`` keeps its hook and theme (templated)
    :param variations: outputs of the one job onto the one container, 1 to 10 (templated)
    :param project_layer_id: content layer, for projects that have several (templated)
    :param overrides: ``caption``, ``cta``, ``voice_over_script`` (templated)
    :param container_id: UUID of the new container; derived from the task instance when it is not given, so
        that every try asks for the same one (templated)
    :param kwargs: see :class:`~airflow_provider_layers.operators.job_start.LayersJobOperator`
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    """

    parameters = (
        "project_id",
        "source_platform_post_id",
        "mode",
        "variations",
        "project_layer_id",
        "overrides",
    )
    template_fields: Sequence[str] = (*LayersJobOperator.template_fields, *parameters, "container_id")
    template_fields_renderers = {"overrides": "json"}  # noqa: RUF012

    def __init__(
        self,
        *,
        project_id: str,
        source_platform_post_id: str,
        mode: Literal["fork", "reimagine"] = "fork",
        variations: int = 1,
        project_layer_id: str | None = None,
        overrides: dict[str, Any] | None = None,
        container_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.project_id = project_id
        self.source_platform_post_id = source_platform_post_id
        self.mode = mode
        self.variations = variations
        self.project_layer_id = project_layer_id
        self.overrides = overrides
        self.container_id = container_id

    def request(self, source: Origin, turn: int) -> Endpoint[Submission]:
        """Make the request; see :func:`airflow_provider_layers.api.generation.clone_from_post`."""
        from airflow_provider_layers.api.generation import clone_from_post

        if self.container_id and turn:
            raise LayersParameterError(
                f"container_id = {self.container_id!r}: its job failed or was canceled, and the API gives "
                "back that same job for this id. Give another id, or leave it out to have one derived."
            )
        return clone_from_post(
            self.container_id or source.key("container", turn),
            {name: getattr(self, name) for name in self.parameters},
            idempotency_key=source.key("clone", turn),
        )


class LayersRegenerateContentOperator(LayersJobOperator):
    """
    Make a new take of a container, in place (``reference/content/regenerate``).

    Media and caption are replaced and the approval starts anew where the project reviews; posts that are
    already scheduled keep the old caption.

    :param container_id: the container, or a list that holds one (templated)
    :param brief: what to change: ``topic``, ``angle``, ``cta``, ``value_propositions`` (at most 20)
        (templated)
    :param references: ``source_post_ids`` and ``asset_ids``, at most 20 each (templated)
    :param preserve_assets: keep the media and make only a new caption (templated)
    :param kwargs: see :class:`~airflow_provider_layers.operators.job_start.LayersJobOperator`
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    """

    parameters = ("brief", "references", "preserve_assets")
    template_fields: Sequence[str] = (*LayersJobOperator.template_fields, "container_id", *parameters)
    template_fields_renderers = {"brief": "json", "references": "json"}  # noqa: RUF012

    def __init__(
        self,
        *,
        container_id: str | list[str],
        brief: dict[str, Any] | None = None,
        references: dict[str, Any] | None = None,
        preserve_assets: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.container_id = container_id
        self.brief = brief
        self.references = references
        self.preserve_assets = preserve_assets

    def request(self, source: Origin, turn: int) -> Endpoint[Submission]:
        """Make the request; see :func:`airflow_provider_layers.api.generation.regenerate`."""
        from airflow_provider_layers.api.content import only
        from airflow_provider_layers.api.generation import regenerate

        return regenerate(
            only(self.container_id),
            {name: getattr(self, name) or None for name in self.parameters},
            idempotency_key=source.key("regenerate", turn),
        )
