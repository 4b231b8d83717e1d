"""The practice fabric: synthetic woven strips with defects, in the layout of AITEX."""
