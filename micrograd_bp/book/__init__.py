"""The worked example of error backpropagation: the book's equations, autograd and differences."""
