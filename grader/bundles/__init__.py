"""Our grading inside other products' containers: what they are given, what runs there.

Outside, `gradescope`, `prairielearn` and `autolab` write what staff upload. Inside,
`hosted` grades what a product has laid out and writes what it reads. The container is
the product's own, so that the inner wall alone stands around students' code.
"""
