print('SHADOWED')
raise SystemExit('SHADOWED')
