"""What a conversation flows through: the assemblies for voice and text, and their parts."""
