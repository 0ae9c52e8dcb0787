"""`python -m tellapart` is the program `tellapart`."""

from tellapart.cli.main import main

if __name__ == "__main__":
    main()
