"""The calls of a client: each written once, offered as a blocking method and as a coroutine."""
