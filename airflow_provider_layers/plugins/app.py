"""The page's routes. Every one that has data asks Airflow first, and none changes anything."""

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import FastAPI, Header, HTTPException, Request, Response

from airflow_provider_layers.plugins import pages, queries, review_media
from airflow_provider_layers.plugins.access import (
    MAY_READ,
    DagId,
    MapIndex,
    Number,
    Part,
    RunId,
    TaskId,
    map_index_of,
)
from airflow_provider_layers.plugins.bundle import read_bundle
from airflow_provider_layers.plugins.loader import Reader


def make_app(reader: Reader | None = None) -> FastAPI:
    """
    Make the app that Airflow's API server mounts.

    :param reader: reads from the API; one for each app, so that its viewers share what it reads
    """
    app = FastAPI(title="Layers", docs_url=None, redoc_url=None, openapi_url=None)
    app.middleware("http")(_with_headers)
    reader = reader or Reader()
    _add_pages(app, reader)
    _add_review(app, reader)
    _add_bundle(app)
    return app


def _add_pages(app: FastAPI, reader: Reader) -> None:
    @app.get("/task-instance", dependencies=[MAY_READ])
    def task_instance(dag_id: DagId, run_id: RunId, task_id: TaskId, map_index: MapIndex = "") -> Response:
        found = queries.of_task(dag_id, run_id, task_id, map_index_of(map_index))
        return _answer(pages.of_task_instance(found, reader))

    @app.get("/dag-run", dependencies=[MAY_READ])
    def dag_run(dag_id: DagId, run_id: RunId) -> Response:
        return _answer(pages.of_run(queries.of_run(dag_id, run_id), reader))


def _add_review(app: FastAPI, reader: Reader) -> None:
    @app.get("/review/{part}", dependencies=[MAY_READ])
    def review(
        part: Part, dag_id: DagId, run_id: RunId, task_id: TaskId, map_index: Number = -1, words: Number = 0
    ) -> Response:
        asked = queries.of_review(dag_id, run_id, task_id, map_index)
        sight = review_media.look(asked, reader)
        if part == "card":
            return _drawing(review_media.draw(asked, sight, words=words))
        url = sight.part(part)
        if url:
            return Response(status_code=302, headers={"Location": url, "Referrer-Policy": "no-referrer"})
        return _drawing(review_media.BLANK)


def _drawing(svg: str) -> Response:
    # Opened by itself it is a document of this site, which must run and load nothing.
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return Response(svg, media_type="image/svg+xml", headers=headers)


def _add_bundle(app: FastAPI) -> None:
    bundle = read_bundle()

    @app.get("/static/{name}")
    def static(name: str, if_none_match: Annotated[str, Header()] = "") -> Response:
        file = bundle.get(name)
        if file is None:
            raise HTTPException(404)
        headers = {"ETag": file.etag, "Cache-Control": "no-cache"}
        if file.etag in if_none_match:
            return Response(status_code=304, headers=headers)
        return Response(file.content, media_type=file.media_type, headers=headers)


def _answer(page: dict[str, Any]) -> Response:
    # Written in ASCII: texts of the API may hold halves of characters, which UTF-8 has no bytes for.
    return Response(json.dumps(page), media_type="application/json")


async def _with_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
