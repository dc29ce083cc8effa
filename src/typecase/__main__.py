"""Lets `python -m typecase` do what `typecase` does."""

from typecase.cli.main import main

if __name__ == "__main__":
    main()
