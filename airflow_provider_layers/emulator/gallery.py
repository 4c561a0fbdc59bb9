"""The page on which a person sees what was made: ``GET /_emulator/``."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from airflow_provider_layers.emulator.clock import write_moment
from airflow_provider_layers.emulator.routes.content import status_of
from airflow_provider_layers.emulator.stages import progress_of

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.entities import Container, ScheduledPost
    from airflow_provider_layers.emulator.state import World

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1100px;padding:0 1rem;color:#222}
article{border:1px solid #ddd;border-radius:12px;padding:1rem 1.2rem;margin:1rem 0}
img{height:300px;border-radius:10px;margin:.4rem .5rem 0 0;background:#eee}
code{background:#f3f3f3;padding:.1rem .3rem;border-radius:4px}
b.s{background:#eef;border-radius:6px;padding:.1rem .5rem;margin-right:.3rem}
"""


def draw_page(world: World) -> str:
    """Return the page as HTML: the newest container first, each with its pictures and posts."""
    containers = sorted(world.containers.values(), key=lambda item: item.number, reverse=True)
    cards = "".join(_draw_card(world, container) for container in containers)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Layers emulator</title>"
        f"<style>{_STYLE}</style><h1>Layers emulator</h1>"
        f"<p>{len(containers)} containers, {len(world.jobs)} jobs, {len(world.posts)} scheduled posts, "
        f"{world.settings.credits} credits. Clock: {write_moment(world.clock.now())}"
        f"{' (frozen)' if world.clock.frozen else ''}.</p>"
        f"{cards or '<p>Nothing has been made yet.</p>'}</html>"
    )


def _draw_card(world: World, container: Container) -> str:
    job = world.jobs[container.job]
    posts = "".join(_draw_post(post) for post in world.posts.values() if post.container == container.uuid)
    pictures = "".join(
        f'<a href="/media/{asset.id}.svg"><img src="/media/{asset.id}.svg" alt="{escape(asset.hook)}"></a>'
        for asset in container.assets
    )
    caption = escape(container.captions[0]["text"]) if container.captions else ""
    return (
        f"<article><h3>{escape(container.hook or container.format_name)}</h3>"
        f"<p><b class=s>{status_of(world, container)}</b><b class=s>{container.approval_status}</b>"
        f"{escape(container.format_name)} <code>{container.id}</code><br>"
        f"{job.kind} <code>{job.id}</code> {progress_of(job, world.clock.now()):.0%}</p>"
        f"<p>{caption}</p>{pictures}<ul>{posts}</ul></article>"
    )


def _draw_post(post: ScheduledPost) -> str:
    when = write_moment(post.scheduled_for)
    return f"<li>{post.platform} <b>{post.status}</b> {when} <code>{post.id}</code></li>"
