"""The command line: a command for each verb, a flag for each option, results as text, progress as a bar."""
