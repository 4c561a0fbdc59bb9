def test_a_walk_sees_everything_once_even_if_more_is_made_meanwhile(client, content_url, made):
    ids = [made() for _ in range(5)]
    seen, cursor = [], None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = client.get(content_url, params=query).json()
        seen += [row["id"] for row in page["items"]]
        if page["nextCursor"] is None:
            break
        cursor = page["nextCursor"]
        made()
    assert seen == ids[::-1]


def test_the_last_page_has_no_cursor_when_it_is_exactly_full(client, content_url, made):
    made(), made()
    assert client.get(content_url, params={"limit": 2}).json()["nextCursor"] is None


def test_a_cursor_that_this_api_did_not_make_is_refused(client, content_url, refused):
    for cursor in ("%%%", "bm90IGpzb24", "e30"):
        refused(client.get(content_url, params={"cursor": cursor}), 422, "VALIDATION", "cursor")
