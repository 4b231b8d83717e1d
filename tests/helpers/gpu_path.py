"""The device on which tests run what is written for a GPU."""

ON_DEVICE = "cpu:0"  # PyTorch's other name for the CPU, see `safety.devices.check_device`
