"""Our image: what it holds, whether that is what the host has, what it isolates.

Theory of operation: the parts of a grading that an image copies (engine, suites,
reference, course, milestones) have a digest each. `labels` writes those of the checkout
on the image when it is built; `require_current` compares them before every grading;
`inspect_image` compares labels, checkout and what the doctor inside finds. Inside the
image only `doctor` is imported: the rest needs the engine's SDK.
"""
