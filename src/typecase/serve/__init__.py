"""The HTTP service and the page in the browser, from the same reader as the command line; `typecase serve` starts it.

A request is received (`uploads`), waits its turn (`pool`) and is read by a process with one thread of its own
(`work`). Long documents are jobs (`jobs`, `runner`): kept on disk, read page by page, corrected and fetched later.
"""
