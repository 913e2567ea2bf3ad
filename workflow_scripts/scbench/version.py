"""The version of the project; only the command line imports it, so that a new one reruns nothing."""

VERSION = "0.8.1"
