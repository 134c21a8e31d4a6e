

import sys
import numpy as np

def _answer(self, request):
    print("answering", request["op"])
    return {"n": request["n"], "value": {"a": 0}}, [np.zeros(0, np.float32)]


sys.modules["__main__"].Interpreter.answer = _answer
