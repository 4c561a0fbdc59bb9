def test_the_page_shows_containers_with_their_pictures_and_posts(web, api, client, approved, plan):
    container = approved(hook="A <b>bold</b> hook")
    client.post(f"/v1/content/{container}/schedule", json=plan())
    page = web.get(f"{api.url}/_emulator/")
    assert page.headers["content-type"].startswith("text/html")
    assert container in page.text
    assert "approved" in page.text
    assert "A &lt;b&gt;bold&lt;/b&gt; hook" in page.text
    assert "<b>bold</b>" not in page.text
    assert page.text.count("<img ") == 3
    assert "queued" in page.text


def test_the_page_moves_with_the_clock_and_is_there_when_nothing_is(web, api, start):
    assert "Nothing has been made yet" in web.get(f"{api.url}/_emulator/").text
    start()
    api.advance(30)
    assert "processing" in web.get(f"{api.url}/_emulator/").text
