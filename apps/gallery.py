"""The pictures being drawn: rough previews on a canvas while noise fades, then the finished ones.

The value is one JSON string (a string travels as one replacement, a list would travel number by number):

    {"status": str, "progress": 0…1, "notes": [str], "side": int, "previews": [base64 of side·side RGB bytes]}
    {"status": str, "progress": 1,   "notes": [str], "pictures": [{"png", "alt", "name", "sees", "closest", …}]}

`png` and `closest` are data URLs. Texts are set as text, never as markup. Previews are shown until the element
`.gallery` gets the class `stopped`.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from apps.scripts import script

TEMPLATE = """<div class="gallery"><div class="cells"></div><div class="bar"><i></i></div>
<p class="status" role="status"></p>
<div class="about" role="region" aria-live="polite" aria-label="About this picture" hidden></div>
<ul class="notes"></ul></div>"""


def gallery(value: str, elem_id: str) -> gr.HTML:
    """The component, showing `value` at once."""
    return gr.HTML(
        value,
        html_template=TEMPLATE,
        js_on_load=script(Path(__file__).with_suffix(".js")),
        apply_default_css=False,
        elem_id=elem_id,
        padding=False,
    )
