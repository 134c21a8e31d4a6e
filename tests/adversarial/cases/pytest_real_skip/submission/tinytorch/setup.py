

def system_info():
    print("skipping")
    import pytest

    pytest.skip("not today", allow_module_level=True)
