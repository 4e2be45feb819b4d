"""Laws of the page's HTTP interface: what it answers, and what it refuses."""

import asyncio
import base64
import io
import threading

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason='not installed: pip install ".[page]"')
pytest.importorskip("httpx2", reason='not installed: pip install ".[test]"')

from starlette.testclient import TestClient
from support.served_nets import served

from data.drawing import palette
from infer.stages import stage_scores
from page import channels, limits, upload
from page.application import application
from page.one_at_a_time import Full, OneAtATime
from page.segmentation import highest_probability
from page.shown_nets import stages_of

NAME = "fcn8s-squeezenet-21"


@pytest.fixture(scope="module")
def nets(tmp_path_factory):
    return served(tmp_path_factory.mktemp("nets"), "fcn8s-squeezenet")


@pytest.fixture(scope="module")
def client(nets):
    with TestClient(application(nets, explain=True)) as client:
        yield client


def photo(size=(40, 30), mode="RGB", format="PNG", **options):
    """The bytes of a picture of noise, (width, height)."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    shape = (size[1], size[0], channels) if channels > 1 else (size[1], size[0])
    kind = np.uint16 if mode.startswith("I;16") else np.uint8
    noise = np.random.RandomState(0).randint(0, np.iinfo(kind).max, shape).astype(kind)
    file = io.BytesIO()
    Image.frombytes(mode, size, noise.tobytes()).save(file, format, **options)
    return file.getvalue()


def pixels(base64_or_bytes):
    data = base64_or_bytes
    return Image.open(io.BytesIO(base64.b64decode(data) if isinstance(data, str) else data))


@pytest.mark.smoke
def test_json_has_the_labels_their_classes_and_each_pixels_probability(client, nets):
    answer = client.post("/segment", content=photo()).json()
    predictor = nets[NAME].predictor
    rgb = np.asarray(pixels(photo()))
    scores = predictor.scores(rgb).astype(np.float64)
    labels = predictor(rgb)
    assert (answer["width"], answer["height"]) == (40, 30)
    assert answer["net"] == NAME
    assert answer["seconds"] > 0
    png = pixels(answer["labels"])
    assert png.mode == "P"
    np.testing.assert_array_equal(np.asarray(png), labels)
    np.testing.assert_array_equal(np.array(png.getpalette()).reshape(-1, 3)[:21], palette()[:21])
    planes = np.asarray(pixels(answer["map"]))
    np.testing.assert_array_equal(planes[..., 0], labels)
    softmax = np.exp(scores - scores.max(0))
    probability = (softmax / softmax.sum(0)).max(0)
    np.testing.assert_allclose(planes[..., 1] / 255, probability, atol=0.003)
    for found in answer["classes"]:
        assert found["name"] == predictor.classes[found["index"]]
        assert found["share"] == pytest.approx((labels == found["index"]).mean(), abs=1e-6)
        assert found["colour"] == f"#{bytes(palette()[found['index']].tolist()).hex()}"
    shares = [found["share"] for found in answer["classes"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1, abs=1e-5)


def test_png_is_the_palette_png_itself(client):
    answer = client.post("/segment?format=png", content=photo())
    assert answer.headers["content-type"] == "image/png"
    expected = pixels(client.post("/segment", content=photo()).json()["labels"])
    np.testing.assert_array_equal(np.asarray(pixels(answer.content)), np.asarray(expected))


def test_a_probability_of_large_scores_is_finite():
    scores = np.array([[[1e4]], [[-1e4]]], np.float32)
    assert highest_probability(scores) == 1
    assert highest_probability(np.zeros((4, 1, 1), np.float32)) == 0.25


def test_the_stages_of_a_net_are_nets_too(client, nets):
    assert [net["name"] for net in client.get("/nets").json()] == list(nets)
    assert list(nets) == [NAME, f"{NAME}:16s", f"{NAME}:32s"]
    rgb = np.asarray(pixels(photo((90, 70))))
    predictor = nets[NAME].predictor
    for (shown, stage), name in zip(stages_of(nets, nets[NAME]), reversed(nets), strict=True):
        assert shown.name == name
        answer = client.post("/segment", params={"net": name}, content=photo((90, 70))).json()
        assert answer["net"] == name
        predictor.scores(rgb)
        expected = stage_scores(predictor.net, stage, 70, 90).argmax(0)
        np.testing.assert_array_equal(np.asarray(pixels(answer["labels"])), expected)
    assert client.post("/segment?net=other", content=photo()).status_code == 404


def test_side_makes_the_longer_side_smaller_and_never_larger(client):
    answer = client.post("/segment?side=20", content=photo((40, 30))).json()
    assert (answer["width"], answer["height"]) == (20, 15)
    assert (answer["upload_width"], answer["upload_height"]) == (40, 30)
    answer = client.post("/segment?side=400", content=photo((40, 30))).json()
    assert answer["width"] == 40
    answer = client.post("/segment?side=5", content=photo())
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("side: ")


def test_exif_turns_the_photograph(client):
    exif = Image.Exif()
    exif[0x0112] = 6
    answer = client.post("/segment", content=photo((40, 30), format="JPEG", exif=exif)).json()
    assert (answer["width"], answer["height"]) == (30, 40)


@pytest.mark.parametrize(
    ("mode", "format"),
    [("L", "PNG"), ("RGBA", "PNG"), ("I;16", "PNG"), ("CMYK", "JPEG"), ("RGB", "WEBP")],
)
def test_any_photograph_is_taken(client, mode, format):
    answer = client.post("/segment", content=photo(mode=mode, format=format))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (33, 2)])
def test_tiny_photographs_are_taken(client, size):
    answer = client.post("/segment", content=photo(size)).json()
    assert (answer["width"], answer["height"]) == size


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"no image", "not an image"),
        (photo((200, 200), format="JPEG")[:2000], "truncated or damaged"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "not an image"),
    ],
)
def test_what_is_no_photograph_is_refused(client, content, says):
    answer = client.post("/segment", content=content)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


def test_a_form_is_told_what_to_send_instead(client):
    answer = client.post("/segment", files={"file": photo()})
    assert answer.status_code == 422
    assert "--data-binary" in answer.json()["detail"]


@pytest.mark.parametrize("size", [(10_000, 6_000), (20_000, 10_000)])
def test_a_bomb_is_refused_before_it_is_decoded(client, monkeypatch, size):
    bomb = io.BytesIO()
    Image.new("1", size).save(bomb, "PNG")
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was decoded"))
    answer = client.post("/segment", content=bomb.getvalue())
    assert answer.status_code == 413
    assert f"{limits.UPLOAD_PIXELS}" in answer.json()["detail"]
    assert "make it smaller" in answer.json()["detail"]


def test_more_pixels_than_a_net_labels_are_refused_with_the_cure(client, monkeypatch):
    monkeypatch.setattr(upload, "NET_PIXELS", 1000)
    answer = client.post("/segment", content=photo((40, 30)))
    assert answer.status_code == 413
    assert "side" in answer.json()["detail"]
    assert client.post("/segment?side=30", content=photo((40, 30))).status_code == 200


def test_a_body_is_given_up_once_it_is_too_long():
    sent = []

    async def endless():
        while True:
            sent.append(1)
            yield b"x" * 2**20

    with pytest.raises(ValueError, match="more than 20 MiB"):
        asyncio.run(upload.body(endless()))
    assert len(sent) == limits.UPLOAD_BYTES / 2**20 + 1


def test_ten_at_once_are_all_answered(client):
    answers = [None] * 10

    def send(number):
        answers[number] = client.post("/segment", content=photo((30 + number, 20)))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.json()["width"] for answer in answers] == list(range(30, 40))


def test_no_more_wait_than_the_queue_is_long():
    async def crowd():
        queue, go = OneAtATime(2), threading.Event()
        inside = [asyncio.ensure_future(queue.run(go.wait)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Full, match="2 pictures are waiting"):
            await queue.run(go.wait)
        go.set()
        assert await asyncio.gather(*inside) == [True] * 3
        return await queue.run(int, "7")

    assert asyncio.run(crowd()) == 7


def test_a_picture_that_nobody_waits_for_any_more_is_not_worked_on(nets, monkeypatch):
    """The browser goes while its picture waits behind another one."""
    began, go = threading.Event(), threading.Event()
    worked_on = []

    def segment(_, image):
        worked_on.append(image.shape)
        began.set()
        go.wait()
        raise ValueError("enough")

    monkeypatch.setattr("page.application.segment", segment)
    app = application(nets)
    left = asyncio.Event()

    async def send(size, stays):
        body = [{"type": "http.request", "body": photo(size), "more_body": False}]

        async def receive():
            if body:
                return body.pop()
            await (asyncio.Event() if stays else left).wait()
            return {"type": "http.disconnect"}

        async def answer(message):
            pass

        scope = dict(type="http", method="POST", path="/segment", query_string=b"", headers=[])
        await app(scope | {"http_version": "1.1"}, receive, answer)

    async def both():
        first = asyncio.ensure_future(send((40, 30), True))
        await asyncio.to_thread(began.wait)
        second = asyncio.ensure_future(send((41, 30), False))
        await asyncio.sleep(0.1)
        left.set()
        await second
        go.set()
        await first

    asyncio.run(asyncio.wait_for(both(), 60))
    assert worked_on == [(30, 40, 3)]


def test_a_full_queue_says_when_to_try_again(client, monkeypatch):
    async def full(*_):
        raise Full("16 pictures are waiting already")

    monkeypatch.setattr(OneAtATime, "run", full)
    answer = client.post("/segment", content=photo())
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


def test_the_pages_and_their_files_are_there_and_take_scripts_from_nowhere_else(client):
    for path in ("/", "/explain", "/static/segment.js", "/static/page.css"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "http://" not in answer.text.replace("http://www.w3.org", "")
        assert "https://" not in answer.text


def test_openapi_describes_the_call(client):
    paths = client.get("/openapi.json").json()["paths"]
    call = paths["/segment"]["post"]
    assert "image/*" in call["requestBody"]["content"]
    assert {"net", "side", "format"} == {field["name"] for field in call["parameters"]}
    assert {"200", "404", "413", "422", "503"} <= call["responses"].keys()


def test_explain_is_there_only_when_asked_for(nets):
    with TestClient(application(nets)) as client:
        assert client.get("/explain").status_code == 404
        assert "Explain" not in client.get("/").text


def test_a_blobs_channels_are_pictures_and_its_window_is_told(client, nets):
    parameters = {"blob": "fire4/concat", "net": NAME, "first": 2}
    answer = client.post("/explain/channels", params=parameters, content=photo()).json()
    blob = nets[NAME].predictor.net.blobs["fire4/concat"]
    assert answer["shape"] == list(blob.shape[1:])
    assert answer["count"] == blob.channels - 2
    assert answer["at_most"] == channels.SHOWN
    assert answer["stride"] == 8
    assert answer["lowest"] == float(blob.data.min())
    assert pixels(answer["sheet"]).mode == "L"


def test_a_blob_or_a_channel_that_there_is_not_is_refused(client):
    for parameters, status in (({"blob": "x"}, 404), ({"blob": "conv1", "first": 999}, 422)):
        answer = client.post("/explain/channels", params=parameters, content=photo())
        assert answer.status_code == status
        assert parameters["blob"] in answer.json()["detail"]
