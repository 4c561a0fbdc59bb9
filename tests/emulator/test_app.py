def test_picture_urls_are_on_the_host_that_was_asked(web, api, client, made):
    container = made()
    port = api.url.rpartition(":")[2]
    body = client.get(f"/v1/content/{container}", headers={"Host": f"emulator.test:{port}"}).json()
    assert body["preview"]["primaryUrl"].startswith(f"http://emulator.test:{port}/media/")
    assert web.get(body["preview"]["primaryUrl"].replace("emulator.test", "127.0.0.1")).status_code == 200


def test_what_is_neither_api_nor_door_is_404(web, api):
    assert web.get(f"{api.url}/").status_code == 404
