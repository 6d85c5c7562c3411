"""What is raised for input of the command line that cannot be used."""


class InputError(ValueError):
    """Input that cannot be used; its message is one line and says where the fault is."""
