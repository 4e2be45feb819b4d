"""The pages in a real browser: Chromium, driven by Playwright."""

import base64
import io
import json
import shutil
import threading

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("uvicorn", reason='not installed: pip install ".[page]"')
pytest.importorskip("playwright", reason='not installed: pip install ".[browser]"')

import uvicorn
from playwright import sync_api as playwright
from support.served_nets import served

from page.application import application
from page.serve import listening, url

pytestmark = pytest.mark.slow

NAME = "fcn8s-squeezenet-21"
TIMEOUT = 60_000  # milliseconds: on a machine that does much else a small net takes seconds
playwright.expect.set_options(timeout=TIMEOUT)
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A server of two nets and their stages, in a thread."""
    nets = served(tmp_path_factory.mktemp("nets"), "fcn8s-squeezenet", "fcn32s-squeezenet")
    with listening("127.0.0.1", 0) as listener:
        config = uvicorn.Config(application(nets, explain=True), log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield url("127.0.0.1", listener.getsockname()[1])
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def chromium():
    """Chromium as the system has it, or as `playwright install chromium` fetches it."""
    with playwright.sync_playwright() as running:
        found = shutil.which("chromium") or shutil.which("chromium-browser")
        try:
            browser = running.chromium.launch(
                executable_path=found,
                args=["--no-sandbox", "--use-fake-ui-for-media-stream"],
            )
        except playwright.Error as error:
            pytest.skip(f"no Chromium: apt-get install chromium ({str(error).splitlines()[0]})")
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, address):
    """The first page, on which no error may come up."""
    context = chromium.new_context(accept_downloads=True)
    context.set_default_timeout(TIMEOUT)
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(error))
    page.goto(address)
    yield page
    context.close()
    assert not errors


def photo(size=(60, 40), format="PNG", seed=0, **options):
    noise = np.random.RandomState(seed).randint(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, format, **options)
    return file.getvalue()


def upload(page, content, name="photo.png"):
    page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": content})


def labelled(page, text="pixels"):
    playwright.expect(page.locator("#status")).to_contain_text(text)
    playwright.expect(page.locator("#result")).to_be_visible()


def drawn(page):
    """(H, W, 4) uint8 RGBA of the canvas."""
    url = page.evaluate("document.querySelector('#view').toDataURL()")
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as picture:
        return np.asarray(picture.convert("RGBA"))


def test_an_upload_is_labelled_and_the_overlay_follows_its_controls(page):
    upload(page, photo())
    labelled(page, "60 x 40 pixels")
    overlay = drawn(page)
    page.locator("#opacity").fill("0")
    photograph = drawn(page)
    assert (photograph != overlay).any()
    page.get_by_label("photograph", exact=True).check()
    np.testing.assert_array_equal(drawn(page), photograph)
    page.get_by_label("label map").check()
    colours = np.unique(drawn(page).reshape(-1, 4), axis=0)
    assert len(colours) == page.locator("#legend-a tbody tr").count()


def test_hovering_and_arrow_keys_read_a_pixels_class(page):
    upload(page, photo())
    labelled(page)
    page.hover("#view", position={"x": 3, "y": 3})
    playwright.expect(page.locator("#under")).to_contain_text("%")
    page.locator("#view").focus()
    before = page.locator("#under").text_content()
    page.keyboard.press("Shift+ArrowRight")
    after = page.locator("#under").text_content()
    assert int(after.split(",")[0]) == int(before.split(",")[0]) + 10


def test_two_nets_lie_beside_each_other_with_a_divider(page):
    page.select_option("#net-b", f"{NAME}:32s")
    upload(page, photo())
    labelled(page)
    playwright.expect(page.locator("#divider-label")).to_be_visible()
    playwright.expect(page.locator("#legend-b caption")).to_have_text(f"{NAME}:32s")
    page.locator("#divider").fill("100")
    first = drawn(page)
    page.locator("#divider").fill("0")
    assert (drawn(page) != first).any()
    page.hover("#view")
    playwright.expect(page.locator("#under")).to_contain_text("|")


def test_a_class_of_the_legend_is_shown_alone(page):
    upload(page, photo())
    labelled(page)
    page.get_by_label("label map").check()
    button = page.locator("#legend-a tbody button").first
    button.click()
    playwright.expect(button).to_have_attribute("aria-pressed", "true")
    assert set(np.unique(drawn(page)[..., 3])) == {0, 255}


def test_samples_pasting_and_dropping_bring_a_photograph(page):
    page.locator(".sample").first.click()
    labelled(page, "x 500 pixels")
    for event, field in (("paste", "clipboardData"), ("drop", "dataTransfer")):
        page.evaluate(
            """async ([event, field, bytes]) => {
                const transfer = new DataTransfer();
                const file = new File([new Uint8Array(bytes)], "a.png", { type: "image/png" });
                transfer.items.add(file);
                const kind = event === "paste" ? ClipboardEvent : DragEvent;
                document.dispatchEvent(new kind(event, { [field]: transfer, bubbles: true }));
            }""",
            [event, field, list(photo((30 + len(event), 20)))],
        )
        labelled(page, f"{30 + len(event)} x 20 pixels")


def test_a_browser_without_a_camera_says_so(page):
    page.get_by_role("button", name="Use the camera").click()
    playwright.expect(page.get_by_role("alert")).to_contain_text("no camera here")


def test_a_photograph_that_exif_turns_stands_upright_under_its_labels(page):
    exif = Image.Exif()
    exif[0x0112] = 6
    halves = np.zeros((40, 60, 3), np.uint8)
    halves[:, :30] = 255  # the left half, which is the upper one once it is turned
    file = io.BytesIO()
    Image.fromarray(halves).save(file, "JPEG", exif=exif, quality=95)
    upload(page, file.getvalue(), "turned.jpg")
    labelled(page, "40 x 60 pixels")
    page.get_by_label("photograph", exact=True).check()
    corners = page.evaluate(
        """() => [[5, 5], [35, 5], [5, 55], [35, 55]].map(([x, y]) =>
            document.querySelector("#view").getContext("2d").getImageData(x, y, 1, 1).data[0])"""
    )
    assert [value > 128 for value in corners] == [True, True, False, False]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no image", "not an image"),
        (b"", "is empty"),
        (photo((100, 100))[:500], "truncated or damaged"),
    ],
)
def test_a_bad_file_is_an_alert_and_the_next_one_takes_it_away(page, content, says):
    upload(page, content)
    playwright.expect(page.get_by_role("alert")).to_contain_text(says)
    upload(page, photo())
    labelled(page)
    playwright.expect(page.get_by_role("alert")).to_be_empty()


def test_a_bomb_is_an_alert(page):
    bomb = io.BytesIO()
    Image.new("1", (20_000, 10_000)).save(bomb, "PNG")
    upload(page, bomb.getvalue())
    playwright.expect(page.get_by_role("alert")).to_contain_text("pixels; make it smaller")


def test_of_ten_uploads_at_once_the_last_is_shown_and_the_others_are_given_up(page):
    given_up = []
    page.on("requestfailed", lambda request: given_up.append(request.failure))
    for width in range(50, 60):
        upload(page, photo((width, 30)))
    labelled(page, "59 x 30 pixels")
    playwright.expect(page.get_by_role("alert")).to_be_empty()
    assert set(given_up) == {"net::ERR_ABORTED"}


def test_ten_pages_at_once_are_all_answered(chromium, address):
    with chromium.new_context() as context:
        pages = [context.new_page() for _ in range(10)]
        for number, page in enumerate(pages):
            page.goto(address)
            upload(page, photo((40 + number, 30)))
        for number, page in enumerate(pages):
            labelled(page, f"{40 + number} x 30 pixels")


def test_what_is_saved_is_what_the_server_said(page, tmp_path):
    upload(page, photo(), "holiday.png")
    labelled(page)
    saved = {}
    for button in ("Picture (PNG)", "Label map (palette PNG)", "JSON"):
        with page.expect_download() as download:
            page.get_by_role("button", name=button).click()
        saved[download.value.suggested_filename] = tmp_path / button[:3]
        download.value.save_as(tmp_path / button[:3])
    assert list(saved) == ["holiday_overlay.png", "holiday.png", "holiday.json"]
    answer = json.loads(saved["holiday.json"].read_text())
    with Image.open(saved["holiday.png"]) as labels:
        assert labels.mode == "P"
        shares = np.bincount(np.asarray(labels).ravel(), minlength=21) / (60 * 40)
    for found in answer["classes"]:
        assert found["share"] == pytest.approx(shares[found["index"]], abs=1e-6)
    with Image.open(saved["holiday_overlay.png"]) as overlay:
        assert overlay.size == (60, 40)


def test_a_page_left_open_while_the_server_stops_says_so(page):
    page.route("**/segment*", lambda route: route.abort("connectionrefused"))
    upload(page, photo())
    playwright.expect(page.get_by_role("alert")).to_contain_text("does not answer")
    page.unroute("**/segment*")
    upload(page, photo())
    labelled(page)


def test_all_of_it_is_reached_by_the_keyboard_and_named(page):
    upload(page, photo())
    labelled(page)
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUSED))
    for name in ("file", "open-camera", "sample", "side", "net-a", "net-b", "opacity", "view"):
        assert name in reached
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, select, input, canvas")].filter((element) =>
            element.checkVisibility() && !element.ariaLabel && !element.labels?.length &&
            !element.textContent.trim() && !element.querySelector("img[alt]") &&
            !element.ariaHidden).map((element) => element.id)"""
    )
    assert unnamed == []


FOCUSED = "document.activeElement.id || document.activeElement.className"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(chromium, address, scheme):
    """WCAG's contrast of 4.5, of all text that is shown."""
    with chromium.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(address)
        upload(page, photo())
        labelled(page)
        low = page.evaluate(CONTRAST)
    assert low == []


CONTRAST = """() => {
    const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = (colour) => colour.slice(0, 3).map((v) => v / 255).map(
        (v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
    ).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (element) => {
        for (; element; element = element.parentElement) {
            const found = rgb(getComputedStyle(element).backgroundColor);
            if (found.length < 4 || found[3] > 0) return found;
        }
        return [255, 255, 255];
    };
    const found = [];
    for (const element of document.querySelectorAll("main *, header *, footer *")) {
        const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        if (!own || !element.checkVisibility() || element.closest("noscript")) continue;
        const [a, b] = [rgb(getComputedStyle(element).color), ground(element)].map(light);
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < 4.5) found.push([element.textContent.slice(0, 30), contrast]);
    }
    return found;
}"""


@pytest.mark.parametrize("path", ["", "explain"])
def test_a_phone_needs_no_scrolling_aside(chromium, address, path):
    with chromium.new_context(viewport=PHONE, has_touch=True, is_mobile=True) as context:
        page = context.new_page()
        page.goto(address + path)
        page.locator(".sample").first.click()
        page.locator("#result, #skips").wait_for(state="visible", timeout=TIMEOUT)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_explain_shows_skips_channels_and_the_receptive_field(page, address):
    page.goto(f"{address}explain")
    playwright.expect(page.locator(".box")).not_to_have_count(0)
    upload(page, photo((80, 60)))
    playwright.expect(page.locator("#skips figure")).to_have_count(3)
    playwright.expect(page.locator(".added").last).to_contain_text("changed")
    box = page.locator("[data-blob='fire8/concat']")
    box.focus()
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#facts")).to_contain_text("fire8/concat")
    playwright.expect(page.locator("#field")).to_be_visible()
    before = page.locator("#field").bounding_box()
    page.locator("#photograph").focus()
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")
    assert page.locator("#field").bounding_box()["x"] < before["x"]
    assert page.locator("#sheet").evaluate("image => image.naturalWidth") > 0


def test_a_layer_is_chosen_before_the_photograph_with_a_hint(page, address):
    page.goto(f"{address}explain")
    page.locator("[data-blob='conv1']").click()
    playwright.expect(page.get_by_role("alert")).to_contain_text("Choose a photograph first")
    page.select_option("#net", "fcn32s-squeezenet-21")
    page.wait_for_url("**net=fcn32s-squeezenet-21")
    playwright.expect(page.locator("#net")).to_have_value("fcn32s-squeezenet-21")
