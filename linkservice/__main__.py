"""`python -m linkservice`: the command line."""

from linkservice.cli import main

main()
