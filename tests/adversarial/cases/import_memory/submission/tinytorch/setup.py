

_kept = np.ones(2**26)
import time

time.sleep(60)
