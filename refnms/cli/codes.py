"""Exit codes, one list for the whole tool. 1 is a bug of ours, 2 (argparse's) is usage."""

DONE, BAD_INPUT, FAILED, INPUT_OUTPUT, PARTLY, INTERRUPTED = 0, 3, 4, 5, 6, 130
