"""What a program or a notebook may ask: scenarios, runs, sweeps, and what commands wrote. `recovery` names it all."""
