def system_info(:
