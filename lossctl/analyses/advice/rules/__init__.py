"""What is advised when: a rule a module. Each says nothing where its evidence is thin."""
