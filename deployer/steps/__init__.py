"""Kinds of steps, one module each: what they observe, how that differs from the inventory, how they mend it.

A step talks to the world through adapters alone and hands values on through the engine.
"""
