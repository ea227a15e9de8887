"""What this board's firmware freezes."""

options.defaults(library=False)  # noqa: F821
include("../../firmware/pico/manifest.py", library=options.library)  # noqa: F821
