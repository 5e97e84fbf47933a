"""CSR-DCF, figure 7's tracker: channel and spatial reliability in a correlation filter (Lukezic et al., CVPR 2017)."""
