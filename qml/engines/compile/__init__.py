"""What every compiled engine makes of a program, whatever a site holds: four Pauli components, or two amplitudes."""
