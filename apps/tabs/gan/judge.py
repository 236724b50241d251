"""The lab "judge": a visitor is the discriminator, of digits that are real or drawn by one of the models.

The game runs in the browser (`judge.js`), and nothing of it is sent anywhere. The page carries only where the sheet
lies, {"src": …}, and the browser fetches it when the lab is first seen:

    {"rounds": digits of a game, "side": 28, "verdicts": [what 0, 1, … of them right say], "sources": [
     {"name", "real", "pixels": base64 of a bit for each pixel, "count": pictures}],
     "level": "95%", "most": answers of the longest tally, "intervals": base64 of `turing.percentages` of that many}

So all that is said of a score is worked out here, and only looked up there.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import gradio as gr

from apps.player import promises
from apps.scripts import lean, script
from tutorial import measurements
from tutorial.data.digits import SIDE
from tutorial.gans import turing
from tutorial.gans.turing import ROUNDS, Source

HERE = Path(__file__).parent
GAMES = 6
"""The last so many games of a visitor are counted together."""

TEMPLATE = f"""<section class="judge" tabindex="-1" aria-label="Real or fake?">
<div class="game">
<div class="stage"><canvas width="{SIDE}" height="{SIDE}" role="img" aria-label="A digit"></canvas></div>
<div class="side">
<p class="round">Fetching the digits …</p>
<p class="verdict" role="status"></p>
<div class="answers"><button type="button" class="real" disabled>Real</button>
<button type="button" class="fake" disabled>Fake</button></div>
<button type="button" class="next" hidden>Next digit</button>
<p class="keys">Keys, after a click or Tab into the game: <kbd>R</kbd> or <kbd>←</kbd> real,
<kbd>F</kbd> or <kbd>→</kbd> fake, <kbd>Enter</kbd> next.</p>
</div></div>
<div class="end" hidden>
<h4 class="score" tabindex="-1"></h4>
<div class="scale total" aria-hidden="true"></div>
<p class="meaning"></p>
<p class="tally"></p>
<table><caption></caption><thead><tr><th scope="col">drawn by</th><th scope="col">called real</th>
<th scope="col"></th></tr></thead><tbody></tbody></table>
<p class="fooled"></p>
<button type="button" class="again">Play again, with other digits</button>
</div>
<ol class="strip" aria-label="The digits of this game"></ol>
</section>"""

NOTE = """Before each round a fair coin decides whether you get a real digit, so on average half of them are. The others
come from the models in turn: {models}. All digits, the real ones of MNIST's test set too, are made black and white in
the same way: each pixel is drawn with the probability of its grey value, of which less than {faintest} counts as black.
That is how VAE and PixelCNN know digits, and shades of grey would give the others away. They were recorded by
`{command}`, as many of each class, and none was chosen by hand. The game runs in your browser, and your answers stay
there."""


def lab(page: gr.Blocks) -> None:
    """The game; without the recorded digits, a sentence that says how to get them back."""
    try:
        sources = turing.load()
    except measurements.MeasurementsError as error:
        gr.Markdown(f"### This lab cannot open\n{error}")
        return
    gr.HTML(
        promises.laid_out(sheet(sources)),
        html_template=TEMPLATE,
        css_template=lean(HERE / "judge.css"),
        js_on_load=script(HERE / "judge.js"),
        apply_default_css=False,
        elem_id="judge",
        padding=False,
    )
    gr.Markdown(note(sources), elem_id="judge-note", elem_classes="prose-column")


def note(sources: list[Source]) -> str:
    """What a visitor should know of the digits."""
    models = ", ".join(f"{source.name} ({source.made})" for source in sources if not source.real)
    return NOTE.format(models=models, faintest=f"{turing.FAINTEST:.0%}", command=turing.COMMAND)


def sheet(sources: list[Source]) -> str:
    """All that the game needs, as described above."""
    hands = [
        {"name": s.name, "real": s.real, "pixels": turing.packed(s.pictures), "count": len(s.pictures)} for s in sources
    ]
    most = GAMES * ROUNDS
    content = {
        "rounds": ROUNDS,
        "side": SIDE,
        "verdicts": [turing.verdict(right) for right in range(ROUNDS + 1)],
        "sources": hands,
        "level": f"{turing.LEVEL:.0%}",
        "most": most,
        "intervals": base64.b64encode(turing.percentages(most).tobytes()).decode(),
    }
    return json.dumps(content)
