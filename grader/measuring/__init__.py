"""Sessions of the competition: three processes behind walls, timed from outside.

Theory of operation. A *side* is one package in a sandbox of its own: reference,
student, and canary, which is the reference again. In each *round* all sides get the
same fresh inputs and one request each, in an order drawn by chance. The clock is the
processor time of everything below a side's sandbox. What a side uses between an answer
and its next request counts too, beyond what the trusted sides needed for the same
hand-over; so nothing is gained by working when nobody looks.

A *task* knows what is asked and how answers are compared; `session` puts launches and
rounds together and says why one does not count.
"""
