/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What smartctl 7.3 prints with --json -a for disks of several kinds, shortened: members that nobody here reads are left out but for a few. The
 * vendors' names are made up.
 */

#define SMARTCTL(status, rest)                                                                                                              \
        "{\"json_format_version\":[1,0],\"smartctl\":{\"version\":[7,3],\"svn_revision\":\"5338\","                                         \
        "\"platform_info\":\"x86_64-linux-6.1.0-18-amd64\",\"build_info\":\"(local build)\",\"argv\":[\"smartctl\",\"--json=c\",\"-a\",\"/dev/x\"]," \
        rest "\"exit_status\":" #status "},\"local_time\":{\"time_t\":1767225600,\"asctime\":\"Thu Jan  1 00:00:00 2026 UTC\"}"

/* The composite temperature of 3 is not it, and neither are the units of 1000 sectors that were read. */
#define SMART_NVME(temperature, warning, media, written)                                                                                    \
        SMARTCTL(0, "") ",\"device\":{\"name\":\"/dev/nvme0n1\",\"info_name\":\"/dev/nvme0n1\",\"type\":\"nvme\",\"protocol\":\"NVMe\"},"   \
        "\"model_name\":\"MADEUP SSD 980\",\"serial_number\":\"S64ANS0T123456\",\"firmware_version\":\"5B2QGXA7\","                         \
        "\"nvme_namespaces\":[{\"id\":1,\"size\":{\"blocks\":1953525168,\"bytes\":1000204886016},\"formatted_lba_size\":512}],"             \
        "\"logical_block_size\":512,\"smart_support\":{\"available\":true,\"enabled\":true},"                                               \
        "\"smart_status\":{\"passed\":true,\"nvme\":{\"value\":0}},\"nvme_smart_health_information_log\":{\"critical_warning\":" #warning   \
        ",\"temperature\":" #temperature ",\"available_spare\":100,\"available_spare_threshold\":10,\"percentage_used\":4,"                  \
        "\"data_units_read\":34528107,\"data_units_written\":" #written ",\"host_reads\":538402013,\"host_writes\":1021554829,"             \
        "\"controller_busy_time\":3014,\"power_cycles\":88,\"power_on_hours\":4021,\"unsafe_shutdowns\":12,\"media_errors\":" #media        \
        ",\"num_err_log_entries\":271,\"warning_temp_time\":0,\"critical_comp_time\":0,\"temperature_sensors\":[" #temperature ",61]},"      \
        "\"temperature\":{\"current\":" #temperature "},\"power_cycle_count\":88,\"power_on_time\":{\"hours\":4021}}\n"

#define SMART_ATTRIBUTE(id, name, raw, string)                                                                                              \
        "{\"id\":" #id ",\"name\":\"" name "\",\"value\":100,\"worst\":100,\"thresh\":10,\"when_failed\":\"\",\"flags\":{\"value\":50,"      \
        "\"string\":\"-O--CK \",\"prefailure\":false},\"raw\":{\"value\":" raw ",\"string\":\"" string "\"}}"

#define SMART_ATA(block, passed, table)                                                                                                     \
        SMARTCTL(0, "") ",\"device\":{\"name\":\"/dev/sda\",\"info_name\":\"/dev/sda [SAT]\",\"type\":\"sat\",\"protocol\":\"ATA\"},"       \
        "\"model_name\":\"MADEUP MX500\",\"serial_number\":\"2105E4F1AB12\",\"logical_block_size\":" #block ",\"physical_block_size\":4096," \
        "\"rotation_rate\":0,\"trim\":{\"supported\":true},\"smart_support\":{\"available\":true,\"enabled\":true},"                        \
        "\"smart_status\":{\"passed\":" #passed "},\"ata_smart_data\":{\"self_test\":{\"status\":{\"value\":0,\"passed\":true}}},"          \
        "\"ata_smart_attributes\":{\"revision\":16,\"table\":[" table "]},\"power_on_time\":{\"hours\":9123},"                              \
        "\"temperature\":{\"current\":36},\"ata_smart_error_log\":{\"summary\":{\"revision\":1,\"count\":0}}}\n"

#define SMART_SATA_SSD                                                                                                                      \
        SMART_ATA(512, true, SMART_ATTRIBUTE(5, "Reallocate_NAND_Blk_Cnt", "0", "0") "," SMART_ATTRIBUTE(9, "Power_On_Hours", "9123", "9123") "," \
                  SMART_ATTRIBUTE(187, "Reported_Uncorrect", "0", "0") ","                                                                  \
                  SMART_ATTRIBUTE(194, "Temperature_Celsius", "240518430756", "36 (Min/Max 0/56)") ","                                      \
                  SMART_ATTRIBUTE(197, "Current_Pending_ECC_Cnt", "0", "0") "," SMART_ATTRIBUTE(198, "Offline_Uncorrectable", "0", "0") "," \
                  SMART_ATTRIBUTE(199, "UDMA_CRC_Error_Count", "2", "2") ","                                                                \
                  SMART_ATTRIBUTE(246, "Total_LBAs_Written", "999", "999") "," SMART_ATTRIBUTE(241, "Total_LBAs_Written", "40000000", "40000000"))

/* A hard disk that fails: its vendor packs more than the count into the raw value. */
#define SMART_SATA_HDD                                                                                                                      \
        SMART_ATA(4096, false, SMART_ATTRIBUTE(1, "Raw_Read_Error_Rate", "198512640", "198512640") ","                                      \
                  SMART_ATTRIBUTE(5, "Reallocated_Sector_Ct", "8589936584", "1992 (2 0)") ","                                               \
                  SMART_ATTRIBUTE(187, "Reported_Uncorrect", "17", "17") "," SMART_ATTRIBUTE(197, "Current_Pending_Sector", "8", "8") ","   \
                  SMART_ATTRIBUTE(198, "Offline_Uncorrectable", "3", "3") "," SMART_ATTRIBUTE(199, "UDMA_CRC_Error_Count", "0", "0x0000") "," \
                  SMART_ATTRIBUTE(240, "Head_Flying_Hours", "53072", "9000h+35m+50.143s") ","                                               \
                  SMART_ATTRIBUTE(241, "Total_LBAs_Written", "1000", "1000"))

/* An old controller that gives the numbers other meanings, and a count of an unknown unit. */
#define SMART_SATA_STRANGE                                                                                                                  \
        SMART_ATA(512, true, SMART_ATTRIBUTE(197, "Read_Sectors_Tot_Ct", "7", "7") "," SMART_ATTRIBUTE(198, "Unknown_Attribute", "7", "7") "," \
                  SMART_ATTRIBUTE(199, "Write_Sectors_Tot_Ct", "7", "7") "," SMART_ATTRIBUTE(241, "Writes_Somehow", "7", "7"))

#define SMART_SAS                                                                                                                           \
        SMARTCTL(0, "") ",\"device\":{\"name\":\"/dev/sdc\",\"info_name\":\"/dev/sdc\",\"type\":\"scsi\",\"protocol\":\"SCSI\"},"           \
        "\"scsi_vendor\":\"MADEUP\",\"scsi_product\":\"ST4000NM\",\"serial_number\":\"ZC10ABCD\",\"logical_block_size\":512,"               \
        "\"scsi_percentage_used_endurance_indicator\":3,"                                                                                   \
        "\"smart_status\":{\"passed\":true},\"temperature\":{\"current\":41,\"drive_trip\":60},\"scsi_grown_defect_list\":5,"               \
        "\"scsi_error_counter_log\":{\"read\":{\"errors_corrected_by_eccfast\":1200,\"total_errors_corrected\":1205,"                       \
        "\"gigabytes_processed\":\"81234.567\",\"total_uncorrected_errors\":2},\"write\":{\"errors_corrected_by_eccfast\":0,"               \
        "\"gigabytes_processed\":\"1234.567\",\"total_uncorrected_errors\":1},\"verify\":{\"gigabytes_processed\":\"0.000\","               \
        "\"total_uncorrected_errors\":4}},\"scsi_pending_defects\":{\"count\":6}}\n"

/* The SCSI disk of QEMU, and a virtio disk, which smartctl does not know at all. */
#define SMART_QEMU_SCSI                                                                                                                     \
        SMARTCTL(4, "") ",\"device\":{\"name\":\"/dev/sdb\",\"info_name\":\"/dev/sdb\",\"type\":\"scsi\",\"protocol\":\"SCSI\"},"           \
        "\"scsi_vendor\":\"QEMU\",\"scsi_product\":\"QEMU HARDDISK\",\"serial_number\":\"drive-scsi0\","                                    \
        "\"smart_support\":{\"available\":false}}\n"
#define SMART_VIRTIO                                                                                                                        \
        SMARTCTL(1, "\"messages\":[{\"string\":\"/dev/vda: Unable to detect device type\",\"severity\":\"error\"}],") "}\n"
