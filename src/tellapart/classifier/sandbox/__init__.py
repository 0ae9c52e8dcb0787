"""Reading model files from strangers: checks before anything is loaded, and readers in processes of their own."""
