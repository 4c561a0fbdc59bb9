"""The routes of the page: read only, and under Airflow's own permission to read the XComs of the DAG."""

import json
import re
from collections.abc import Awaitable, Callable
from os import PathLike, stat_result
from pathlib import Path
from typing import Annotated, Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi import Path as PathParameter
from starlette.datastructures import Headers
from starlette.responses import FileResponse
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

from airflow_provider_layers import __version__
from airflow_provider_layers.plugins import pages, queries, review_media
from airflow_provider_layers.plugins.loader import Loader

STATIC = Path(__file__).parent / "static"
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

MAY_READ = Depends(requires_access_dag("GET", DagAccessEntity.XCOM))
"""It reads the DAG id from the query as ``DagId`` does: of several values, both take the last."""

# Airflow's permission check takes "~" for all DAGs; here it is not an id.
DagId = Annotated[str, Query(max_length=250, pattern=r"^[\w.-]+$")]
TaskId = Annotated[str, Query(max_length=250, pattern=r"^[\w.-]+$")]
RunId = Annotated[str, Query(max_length=250, pattern=r"^[^\x00]+$")]
OptionalMapIndex = Annotated[str, Query(max_length=20)]
# Larger numbers do not fit into the database's integers.
MapIndex = Annotated[int, Query(ge=-1, le=2**31 - 1)]
Version = Annotated[int, Query(ge=0, le=2**31 - 1)]
Part = Annotated[str, PathParameter(pattern=r"^(card|media|[1-9]\d{0,2})$")]


def create_app(loader: Loader | None = None) -> FastAPI:
    """
    Create the app that Airflow's API server mounts.

    :param loader: reads from the Layers API; all viewers of the app share its results
    """
    app = FastAPI(title="Layers", docs_url=None, redoc_url=None, openapi_url=None)
    app.middleware("http")(_add_headers)
    loader = loader or Loader()
    _add_pages(app, loader)
    _add_review(app, loader)
    app.mount("/static", PackageFiles(directory=STATIC, follow_symlink=True))
    return app


def parse_map_index(text: str) -> int | None:
    """
    Return a map index.

    :param text: a number, or what the Airflow UI sends for an unmapped task: nothing, or its placeholder
    """
    return int(text) if re.fullmatch(r"\d{1,9}", text) else None


def _add_pages(app: FastAPI, loader: Loader) -> None:
    @app.get("/task-instance", dependencies=[MAY_READ])
    def task_instance(
        dag_id: DagId, run_id: RunId, task_id: TaskId, map_index: OptionalMapIndex = ""
    ) -> Response:
        references = queries.task_references(dag_id, run_id, task_id, parse_map_index(map_index))
        return _json(pages.task_instance_page(references, loader))

    @app.get("/dag-run", dependencies=[MAY_READ])
    def dag_run(dag_id: DagId, run_id: RunId) -> Response:
        return _json(pages.dag_run_page(queries.run_references(dag_id, run_id), loader))


def _add_review(app: FastAPI, loader: Loader) -> None:
    @app.get("/review/{part}", dependencies=[MAY_READ])
    def review(
        part: Part,
        dag_id: DagId,
        run_id: RunId,
        task_id: TaskId,
        map_index: MapIndex = -1,
        version: Version = 0,
    ) -> Response:
        reference = queries.review_reference(dag_id, run_id, task_id, map_index)
        media = review_media.load_review(reference, loader)
        if part == "card":
            return _svg(media.card(body_version=version))
        url = media.url(part)
        if url:
            return Response(status_code=302, headers={"Location": url, "Referrer-Policy": "no-referrer"})
        return _svg(review_media.BLANK)


def _svg(image: str) -> Response:
    # Opened in its own tab, the image is a document of this site, so it must neither run nor load anything.
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return Response(image, media_type="image/svg+xml", headers=headers)


def _json(page: dict[str, Any]) -> Response:
    # As ASCII: texts of the API may contain lone surrogates, which UTF-8 cannot encode.
    return Response(json.dumps(page), media_type="application/json")


async def _add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


class PackageFiles(StaticFiles):
    """
    The page's own files, for which no permission is needed: they contain no data.

    Mount it with ``follow_symlink``, because some installers link a package's files from their cache.
    """

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return a file that browsers check for changes on every use."""
        headers = {
            "Cache-Control": "no-cache",
            # With the version, because image builders may give all files the same time.
            "ETag": f'"{__version__}-{stat_result.st_mtime_ns:x}-{stat_result.st_size:x}"',
        }
        # Not by the system's MIME table: where it calls JavaScript plain text, browsers do not run it.
        media_type = MEDIA_TYPES.get(Path(full_path).suffix)
        response = FileResponse(
            full_path, status_code, headers=headers, media_type=media_type, stat_result=stat_result
        )
        if self.is_not_modified(response.headers, Headers(scope=scope)):
            return NotModifiedResponse(response.headers)
        return response
