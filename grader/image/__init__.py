"""Our image: what it holds, whether that is what the host has, what it isolates.

Theory of operation: the parts of a grading that an image copies (engine, suites,
reference, course, milestones) have a digest each. `labels` writes those of the checkout
on the image when it is built; `require_current` compares them before every grading;
`inspect_image` compares labels, checkout and what the doctor inside finds.
"""

from grader.image.contents import PARTS, Contents, contents_of
from grader.image.doctor import DOCTOR, Doctor, examine
from grader.image.fresh import require_current
from grader.image.inspection import ImageReport, inspect_image
from grader.image.labels import Build, labels_for

__all__ = [
    "DOCTOR",
    "PARTS",
    "Build",
    "Contents",
    "Doctor",
    "ImageReport",
    "contents_of",
    "examine",
    "inspect_image",
    "labels_for",
    "require_current",
]
