from tinytorch.setup import system_info as missing
