"""Why no command found the fault of a data set of the page's seed: looked at one by one."""

WHY: dict[int, str] = {}
