"""What the pages of the site look like: numbers in, escaped HTML and SVG out.

Pure functions without input or output. They know public models alone, so nothing can be
shown here that is not in the site's data. A board has ten thousand pages: what is drawn
per row or per point is joined from numbers and escaped text, not rendered by templates.
"""
